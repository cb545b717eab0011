// fxc: gs_5_0 main
// Three copies of a triangle, each to a layer and a viewport.
struct V { float4 position : SV_Position; float4 color : COLOR; };
struct O { float4 position : SV_Position; float4 color : COLOR; uint primitive : SV_PrimitiveID; uint layer : SV_RenderTargetArrayIndex; uint viewport : SV_ViewportArrayIndex; };
[maxvertexcount(9)] void main(triangle V input[3], uint primitive : SV_PrimitiveID, inout TriangleStream<O> stream) {
    for (uint layer = 0; layer < 3; layer++) {
        for (uint i = 0; i < 3; i++) {
            O o = { input[i].position, input[i].color + layer, primitive + 10 * layer, layer, layer & 1 };
            stream.Append(o);
        }
        stream.RestartStrip();
    }
}
