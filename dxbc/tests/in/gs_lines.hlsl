// fxc: gs_4_0 main
struct V { float4 position : SV_Position; float2 coordinate : TEXCOORD0; uint tag : TAG; };
struct O { float4 position : SV_Position; float2 coordinate : TEXCOORD0; nointerpolation uint tag : TAG; uint primitive : SV_PrimitiveID; };
[maxvertexcount(6)] void main(line V input[2], uint primitive : SV_PrimitiveID, inout LineStream<O> stream)
{
    for (uint copy = 0; copy < 3; copy++) {
        for (uint i = 0; i < 2; i++) {
            O o;
            o.position = input[i].position + float4(0, copy, 0, 0);
            o.coordinate = input[i].coordinate;
            o.tag = input[i].tag + copy;
            o.primitive = primitive;
            stream.Append(o);
        }
        stream.RestartStrip();
    }
}
