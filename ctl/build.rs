//! Gives the program its version resource on Windows.

use pvgpu_version::{Kind, embed};

fn main() {
    embed("pvgpu status, modes and installation", "pvgpu-ctl.exe", Kind::Program);
}
