//! Gives the DLL its version resource.

use pvgpu_version::{Kind, embed};

fn main() {
    embed("pvgpu DXGI runtime", "dxgi.dll", Kind::Library);
}
