// fxc: ps_5_0 main
struct Targets { float4 a : SV_Target0; uint4 b : SV_Target1; };
Targets main(float4 position : SV_Position, float4 color : COLOR, uint primitive : SV_PrimitiveID, uint layer : SV_RenderTargetArrayIndex, uint viewport : SV_ViewportArrayIndex) {
    Targets t = { color, primitive + 1, layer, viewport, 5 };
    return t;
}
