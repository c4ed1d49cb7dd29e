//! Tencent Cloud TKE, version 2018-05-25.
