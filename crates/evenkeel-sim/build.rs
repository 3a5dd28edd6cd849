//! Names the cfg under which tokio lets its random numbers be seeded.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tokio_unstable)");
}
