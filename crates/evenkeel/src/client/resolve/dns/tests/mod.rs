//! The resolver against a scripted server on 127.0.0.1.

mod answers;
mod events;
mod refresh;
mod settings;
mod world;
