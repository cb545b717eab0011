// What is written to and read from textures of each format.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

// fxc: ps_5_0 write_unit
float4 write_unit(Full pixel) : SV_Target
{
    return float4(pixel.uv, 0.75, 0.25);
}

// fxc: ps_5_0 write_signed_unit
float4 write_signed_unit(Full pixel) : SV_Target
{
    return float4(pixel.uv * 2 - 1, -0.5, 0.25);
}

// fxc: ps_5_0 write_beyond
float4 write_beyond(Full pixel) : SV_Target
{
    return float4(pixel.uv * 4 - 2, 3, -3);
}

// fxc: ps_5_0 write_unsigned
uint4 write_unsigned(Full pixel) : SV_Target
{
    return uint4(pixel.position.xy, 100, 3);
}

// fxc: ps_5_0 write_signed
int4 write_signed(Full pixel) : SV_Target
{
    return int4(int2(pixel.position.xy) - 32, -100, 3);
}

Texture2D<float4> source : register(t0);
Texture2D<uint4> unsigned_source : register(t0);
Texture2D<int4> signed_source : register(t0);

// fxc: ps_5_0 read
float4 read(Full pixel) : SV_Target
{
    return source.Load(int3(pixel.position.xy, 0));
}

// fxc: ps_5_0 read_unsigned
float4 read_unsigned(Full pixel) : SV_Target
{
    return unsigned_source.Load(int3(pixel.position.xy, 0));
}

// fxc: ps_5_0 read_signed
float4 read_signed(Full pixel) : SV_Target
{
    return signed_source.Load(int3(pixel.position.xy, 0));
}
