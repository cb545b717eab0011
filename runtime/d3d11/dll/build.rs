//! Gives the DLL its version resource.

use pvgpu_version::{Kind, embed};

fn main() {
    embed("pvgpu Direct3D 11 runtime", "d3d11.dll", Kind::Library);
}
