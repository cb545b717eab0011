// What several areas draw with.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

// A triangle over the whole target, clockwise, at depth 0.
// fxc: vs_5_0 full
Full full(uint id : SV_VertexID)
{
    Full vertex;
    vertex.uv = float2((id << 1) & 2, id & 2);
    vertex.position = float4(vertex.uv * float2(2, -2) + float2(-1, 1), 0, 1);
    return vertex;
}

// fxc: ps_5_0 white
float4 white(Full pixel) : SV_Target
{
    return 1;
}

struct Coloured
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

// fxc: vs_5_0 coloured_vs
Coloured coloured_vs(float4 position : POSITION, float4 colour : COLOR)
{
    Coloured vertex = { position, colour };
    return vertex;
}

// fxc: ps_5_0 coloured_ps
float4 coloured_ps(Coloured pixel) : SV_Target
{
    return pixel.colour;
}

cbuffer Constants : register(b0)
{
    float4 constants[4];
};

// fxc: ps_5_0 constant
float4 constant(Full pixel) : SV_Target
{
    return constants[0];
}

// The whole target at depth constants[0].x.
// fxc: vs_5_0 full_at
Full full_at(uint id : SV_VertexID)
{
    Full vertex = full(id);
    vertex.position.z = constants[0].x;
    return vertex;
}

// The first texture, texel for pixel.
Texture2D source : register(t0);

// fxc: ps_5_0 texel
float4 texel(Full pixel) : SV_Target
{
    return source.Load(int3(pixel.position.xy, 0));
}
