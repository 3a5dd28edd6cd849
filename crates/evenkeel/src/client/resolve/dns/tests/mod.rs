//! The resolver against a scripted server on 127.0.0.1.

mod answers;
mod edns;
mod events;
mod files;
mod late;
mod refresh;
mod servers;
mod settings;
mod walk;
mod warnings;
mod world;
