// Vertices from buffers.

struct Coloured
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

// A column of 8 pixels for each vertex, in its colour: the line from its lower to its upper end.
float4 column(uint id)
{
    return float4(((id / 2) * 4 + 2.5) / 32 - 1, (id % 2) ? -1.5 : 1.5, 0, 1);
}

// fxc: vs_5_0 colour_only
Coloured colour_only(float4 colour : COLOR, uint id : SV_VertexID)
{
    Coloured vertex = { column(id), colour };
    return vertex;
}

// fxc: vs_5_0 unsigned_only
Coloured unsigned_only(uint4 colour : COLOR, uint id : SV_VertexID)
{
    Coloured vertex = { column(id), colour / 255.0 };
    return vertex;
}

// fxc: vs_5_0 signed_only
Coloured signed_only(int4 colour : COLOR, uint id : SV_VertexID)
{
    Coloured vertex = { column(id), (colour + 128) / 255.0 };
    return vertex;
}

// A point for each instance, moved by a second stream.
// fxc: vs_5_0 instanced
Coloured instanced(float4 position : POSITION, float4 colour : COLOR, float2 offset : OFFSET)
{
    Coloured vertex = { position + float4(offset, 0, 0), colour };
    return vertex;
}

StructuredBuffer<float4> places : register(t0);

// No vertex buffer at all.
// fxc: vs_5_0 pulled
Coloured pulled(uint id : SV_VertexID)
{
    Coloured vertex = { places[id], float4(0, 1, 0, 1) };
    return vertex;
}

Texture2D heights : register(t0);
SamplerState sampling : register(s0);

// A texture read by a vertex shader.
// fxc: vs_5_0 displaced
Coloured displaced(float4 position : POSITION, float4 colour : COLOR)
{
    float height = heights.SampleLevel(sampling, position.xy * float2(0.5, -0.5) + 0.5, 0).x;
    Coloured vertex = { position + float4(0, height, 0, 0), colour };
    return vertex;
}
