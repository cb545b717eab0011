//! d3d11.dll: the exports of `pvgpu-d3d11`, which is a crate of its own so that `ci/kernel-road` can make another DLL of it.

// The exports are the whole use.
use pvgpu_d3d11 as _;
