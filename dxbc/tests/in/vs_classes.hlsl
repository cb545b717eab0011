// fxc: vs_5_0 main
// An interface in a vertex shader, called in a loop through a computed index.
interface Deform
{
    float3 apply(float3 position, uint vertex);
};

class Scale : Deform
{
    float3 factor;
    float3 apply(float3 position, uint vertex) { return position * factor; }
};

class Wave : Deform
{
    float amplitude;
    float frequency;
    float3 apply(float3 position, uint vertex)
    {
        return position + float3(0, amplitude * (vertex & 1 ? frequency : -frequency), 0);
    }
};

cbuffer Objects : register(b0)
{
    Scale scales[2];
    Wave wave;
    uint count;
};

Deform steps[4];

float4 main(float3 position : POSITION, uint vertex : SV_VertexID) : SV_Position
{
    for (uint n = 0; n < count; n++)
        position = steps[n].apply(position, vertex);
    return float4(position, 1);
}
