// What pixel shaders do with the samples of a rasterizer that has more of them than the targets.
RWByteAddressBuffer counts : register(u2);
struct O { float4 position : SV_Position; float4 color : COLOR; };

// How many samples are covered, and which.
// fxc: ps_5_0 coverage
float4 coverage(O o, uint covered : SV_Coverage) : SV_Target { return float4(countbits(covered), covered, 0, 1); }

// Which samples are covered, as an integer.
// fxc: ps_5_0 bits
uint4 bits(O o, uint covered : SV_Coverage) : SV_Target { return covered; }

// Counts pixels.
// fxc: ps_5_0 counted
float4 counted(O o) : SV_Target { uint before; counts.InterlockedAdd(4, 1, before); return o.color; }

// Covers the target's only sample in even columns.
// fxc: ps_5_0 masked
float4 masked(O o, out uint mask : SV_Coverage) : SV_Target { mask = (uint)o.position.x & 1 ? 14 : 1; return o.color; }

// Nothing in odd columns.
// fxc: ps_5_0 discarded
float4 discarded(O o) : SV_Target { if ((uint)o.position.x & 1) discard; return o.color; }

// Runs for each sample, which is not allowed.
// fxc: ps_5_0 sampled
float4 sampled(O o, uint index : SV_SampleIndex) : SV_Target { return o.color + index; }
