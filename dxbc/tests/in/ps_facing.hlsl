// fxc: ps_5_0 main
uint4 main(float4 position : SV_Position, uint primitive : SV_PrimitiveID, bool front : SV_IsFrontFace) : SV_Target { return uint4(front ? 1 : 2, primitive + 1, 0, 0); }
