//go:build tools

// Package tools names the programs that this module pins: blank imports keep them in go.mod and go.sum,
// and `go build` takes them by their import path.
package tools

import (
	_ "github.com/containerd/containerd/v2/cmd/containerd"
	_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"
	_ "github.com/containerd/containerd/v2/cmd/ctr"
)
