//! Gives the program its version resource on Windows.

use pvgpu_version::{Kind, embed};

fn main() {
    embed("pvgpu link service", "pvgpu-link.exe", Kind::Program);
}
