//! Alibaba Cloud ECI, version 2018-08-08.
