// Depth that a pixel shader gives, and tests before it runs.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

struct Deep
{
    float4 colour : SV_Target;
    float depth : SV_Depth;
};

// fxc: ps_5_0 output
Deep output(Full pixel)
{
    Deep result = { float4(1, 1, 1, 1), pixel.uv.x };
    return result;
}

// Depth beyond the viewport's range is clamped to it.
// fxc: ps_5_0 output_beyond
Deep output_beyond(Full pixel)
{
    Deep result = { float4(1, 1, 1, 1), pixel.uv.x * 3 - 1 };
    return result;
}

// What the compiler wants of a position whose depth a shader changes within bounds.
struct Centroid
{
    noperspective centroid float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

struct Deeper
{
    float4 colour : SV_Target;
    float depth : SV_DepthGreaterEqual;
};

// fxc: ps_5_0 greater
Deeper greater(Centroid pixel)
{
    Deeper result = { float4(1, 1, 1, 1), pixel.position.z + pixel.uv.x / 2 };
    return result;
}

struct Nearer
{
    float4 colour : SV_Target;
    float depth : SV_DepthLessEqual;
};

// fxc: ps_5_0 less
Nearer less(Centroid pixel)
{
    Nearer result = { float4(1, 1, 1, 1), pixel.position.z - pixel.uv.x / 2 };
    return result;
}

RWByteAddressBuffer counter : register(u1);

// Counts pixels whose shader runs, though discarded ones too.
// fxc: ps_5_0 early
[earlydepthstencil]
float4 early(Full pixel) : SV_Target
{
    uint before;
    counter.InterlockedAdd(0, 1, before);
    return 1;
}

// fxc: ps_5_0 late
float4 late(Full pixel) : SV_Target
{
    uint before;
    counter.InterlockedAdd(0, 1, before);
    return 1;
}

// fxc: ps_5_0 discard_left
float4 discard_left(Full pixel) : SV_Target
{
    if (pixel.uv.x < 0.5)
        discard;
    return 1;
}

// fxc: ps_5_0 early_discard
[earlydepthstencil]
float4 early_discard(Full pixel) : SV_Target
{
    if (pixel.uv.x < 0.5)
        discard;
    return 1;
}

Texture2D<float> depths : register(t0);
Texture2D<uint2> stencils : register(t1);

// fxc: ps_5_0 show_depth
float4 show_depth(Full pixel) : SV_Target
{
    return float4(depths.Load(int3(pixel.position.xy, 0)).xxx, 1);
}

// The stencil is the second component.
// fxc: ps_5_0 show_stencil
float4 show_stencil(Full pixel) : SV_Target
{
    return float4(stencils.Load(int3(pixel.position.xy, 0)).yyy / 255.0, 1);
}
