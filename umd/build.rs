//! Gives the driver its version resource; Windows compares it with the setup information's DriverVer.

use pvgpu_version::{Kind, embed};

fn main() {
    let is_x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86");
    let file = if is_x86 { "pvgpuumd32.dll" } else { "pvgpuumd.dll" };
    embed("pvgpu Direct3D 11 user-mode display driver", file, Kind::DisplayDriver);
}
