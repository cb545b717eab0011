// fxc: gs_5_0 main
// Each triangle once for each of four viewports.
struct O { float4 position : SV_Position; float4 color : COLOR; };
struct P { float4 position : SV_Position; float4 color : COLOR; uint viewport : SV_ViewportArrayIndex; };
[maxvertexcount(12)] void main(triangle O input[3], inout TriangleStream<P> stream)
{
    for (uint viewport = 0; viewport < 4; viewport++) {
        for (uint i = 0; i < 3; i++) {
            P p = { input[i].position, input[i].color * (viewport + 1) / 4, viewport };
            stream.Append(p);
        }
        stream.RestartStrip();
    }
}
