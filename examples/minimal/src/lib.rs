//! The stubs that `build.rs` made.

tonic::include_proto!("greeter.v1");
