// fxc: vs_5_0 unsigned_bits
// fxc: vs_5_0 signed_bits
// Position and colour, which the shader takes for integers.
struct O { float4 position : SV_Position; float4 color : COLOR; };
O unsigned_bits(uint4 position : POSITION, uint4 color : COLOR) { O o = { asfloat(position), asfloat(color) }; return o; }
O signed_bits(int4 position : POSITION, int4 color : COLOR) { O o = { asfloat(position), asfloat(color) }; return o; }
