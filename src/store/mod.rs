//! The only place that knows the files of the store.
