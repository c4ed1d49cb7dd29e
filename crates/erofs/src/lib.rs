//! erofs
