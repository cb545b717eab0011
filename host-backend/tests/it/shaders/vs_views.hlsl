// fxc: vs_5_0 texel
// fxc: vs_5_0 level
// fxc: vs_5_0 element
// fxc: vs_5_0 stored
// Colours from views, for a position; what is not bound has none.
Texture2D<float4> image : register(t0);
Buffer<float4> list : register(t1);
SamplerState state : register(s0);
RWTexture2D<uint> target : register(u1);
struct O { float4 position : SV_Position; float4 color : COLOR; };
O texel(float4 position : POSITION) { O o = { position, image.Load(int3(0, 0, 0)) }; return o; }
O level(float4 position : POSITION) { O o = { position, image.SampleLevel(state, position.xy, 0) }; return o; }
O element(float4 position : POSITION) { O o = { position, list.Load(0) }; return o; }
O stored(float4 position : POSITION) { target[uint2(0, 0)] = 1; O o = { position, float4(0, 0, 0, 0) }; return o; }
