// fxc: gs_5_0 main
// Each triangle and its image on the right of the target, turned over.
struct V { float4 position : SV_Position; float4 color : COLOR; uint number : NUMBER; };
struct O { float4 position : SV_Position; float4 color : COLOR; nointerpolation uint2 ids : IDS; };
[maxvertexcount(6)] void main(triangle V input[3], uint primitive : SV_PrimitiveID, inout TriangleStream<O> stream) {
    [unroll] for (uint copy = 0; copy < 2; copy++) {
        [unroll] for (uint i = 0; i < 3; i++) {
            O o = { input[i].position, input[i].color, input[i].number, primitive * 2 + copy };
            if (copy) o.position.x = -o.position.x;
            stream.Append(o);
        }
        stream.RestartStrip();
    }
}
