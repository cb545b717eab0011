// fxc: ps_5_0 main
struct Targets { float4 a : SV_Target0; uint4 b : SV_Target1; };
Targets main(float4 position : SV_Position, float4 color : COLOR, nointerpolation uint2 ids : IDS, bool front : SV_IsFrontFace) {
    Targets t = { color, ids, front ? 1 : 2, 1 };
    return t;
}
