// fxc: ps_5_0 main
uint4 main(float4 position : SV_Position, uint layer : SV_RenderTargetArrayIndex, uint viewport : SV_ViewportArrayIndex) : SV_Target { return uint4(layer + 1, viewport + 1, position.xy); }
