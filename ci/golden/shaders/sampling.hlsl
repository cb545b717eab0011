// One way to read a texture each.

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

cbuffer Constants : register(b0)
{
    // Texture coordinates are the target's (0 to 1) times xy plus zw.
    float4 transform;
    float4 argument;
};

SamplerState first : register(s0);
SamplerComparisonState comparing : register(s0);
Texture2D plane : register(t0);
Texture2D<float> depths : register(t0);
Texture2D<uint4> whole : register(t0);
Texture2D<int4> signed_whole : register(t0);
Texture1D line_texture : register(t0);
Texture1DArray lines : register(t0);
Texture2DArray planes : register(t0);
Texture3D volume : register(t0);
TextureCube cube : register(t0);
TextureCubeArray cubes : register(t0);
Texture2DMS<float4> samples : register(t0);
Texture2DMSArray<float4, 4> sample_planes : register(t0);

float2 place(Full pixel)
{
    return pixel.uv * transform.xy + transform.zw;
}

// fxc: ps_5_0 sample
float4 sample(Full pixel) : SV_Target
{
    return plane.Sample(first, place(pixel));
}

// fxc: ps_5_0 bias
float4 bias(Full pixel) : SV_Target
{
    return plane.SampleBias(first, place(pixel), argument.x);
}

// fxc: ps_5_0 level
float4 level(Full pixel) : SV_Target
{
    return plane.SampleLevel(first, place(pixel), argument.x);
}

// fxc: ps_5_0 gradient
float4 gradient(Full pixel) : SV_Target
{
    return plane.SampleGrad(first, place(pixel), float2(argument.x, 0), float2(0, argument.y));
}

// fxc: ps_5_0 offset
float4 offset(Full pixel) : SV_Target
{
    return plane.Sample(first, place(pixel), int2(1, -2));
}

// fxc: ps_5_0 compare
float4 compare(Full pixel) : SV_Target
{
    return depths.SampleCmp(comparing, place(pixel), argument.x);
}

// fxc: ps_5_0 compare_level_zero
float4 compare_level_zero(Full pixel) : SV_Target
{
    return depths.SampleCmpLevelZero(comparing, place(pixel), argument.x);
}

// fxc: ps_5_0 gather_red
float4 gather_red(Full pixel) : SV_Target
{
    return plane.GatherRed(first, place(pixel));
}

// fxc: ps_5_0 gather_green
float4 gather_green(Full pixel) : SV_Target
{
    return plane.GatherGreen(first, place(pixel));
}

// fxc: ps_5_0 gather_alpha
float4 gather_alpha(Full pixel) : SV_Target
{
    return plane.GatherAlpha(first, place(pixel));
}

// fxc: ps_5_0 gather_offset
float4 gather_offset(Full pixel) : SV_Target
{
    return plane.GatherRed(first, place(pixel), int2(2, 1));
}

// An offset that is not known before the shader runs.
// fxc: ps_5_0 gather_dynamic_offset
float4 gather_dynamic_offset(Full pixel) : SV_Target
{
    return plane.GatherRed(first, place(pixel), int2(argument.xy));
}

// fxc: ps_5_0 gather_four_offsets
float4 gather_four_offsets(Full pixel) : SV_Target
{
    return plane.GatherRed(first, place(pixel), int2(0, 0), int2(1, 0), int2(0, 1), int2(-1, -1));
}

// fxc: ps_5_0 gather_compare
float4 gather_compare(Full pixel) : SV_Target
{
    return depths.GatherCmp(comparing, place(pixel), argument.x);
}

// fxc: ps_5_0 load
float4 load(Full pixel) : SV_Target
{
    return plane.Load(int3(int2(pixel.position.xy) / 8 - 2, argument.x));
}

// fxc: ps_5_0 load_offset
float4 load_offset(Full pixel) : SV_Target
{
    return plane.Load(int3(int2(pixel.position.xy) / 8, argument.x), int2(1, -2));
}

// fxc: ps_5_0 load_unsigned
float4 load_unsigned(Full pixel) : SV_Target
{
    return whole.Load(int3(int2(pixel.position.xy) / 16, 0)) / 255.0;
}

// fxc: ps_5_0 load_signed
float4 load_signed(Full pixel) : SV_Target
{
    return (signed_whole.Load(int3(int2(pixel.position.xy) / 16, 0)) + 128) / 255.0;
}

// fxc: ps_5_0 one_dimension
float4 one_dimension(Full pixel) : SV_Target
{
    return line_texture.Sample(first, place(pixel).x);
}

// fxc: ps_5_0 one_dimension_array
float4 one_dimension_array(Full pixel) : SV_Target
{
    return lines.Sample(first, float2(place(pixel).x, pixel.uv.y * 4 - 1));
}

// Slices are rounded, and clamped to those that there are.
// fxc: ps_5_0 array
float4 array(Full pixel) : SV_Target
{
    return planes.Sample(first, float3(pixel.uv, pixel.uv.y * 6 - 1.5));
}

// fxc: ps_5_0 three_dimensions
float4 three_dimensions(Full pixel) : SV_Target
{
    return volume.Sample(first, float3(pixel.uv, argument.x));
}

float3 direction(float2 uv)
{
    float2 angles = float2(uv.x * 6.28318531, (uv.y - 0.5) * 3.14159265);
    return float3(cos(angles.x) * cos(angles.y), sin(angles.y), sin(angles.x) * cos(angles.y));
}

// fxc: ps_5_0 sample_cube
float4 sample_cube(Full pixel) : SV_Target
{
    return cube.SampleLevel(first, direction(pixel.uv), 0);
}

// fxc: ps_5_0 sample_cube_array
float4 sample_cube_array(Full pixel) : SV_Target
{
    return cubes.SampleLevel(first, float4(direction(pixel.uv), pixel.uv.y < 0.5 ? 0 : 1), 0);
}

// One sample of four in each quarter of the target.
// fxc: ps_5_0 load_sample
float4 load_sample(Full pixel) : SV_Target
{
    uint2 quarter = uint2(pixel.uv * 2);
    return samples.Load(int2(pixel.position.xy), quarter.x + quarter.y * 2);
}

// fxc: ps_5_0 load_sample_array
float4 load_sample_array(Full pixel) : SV_Target
{
    return sample_planes.Load(int3(pixel.position.xy, pixel.uv.x * 2), 3);
}

// fxc: ps_5_0 sample_places
float4 sample_places(Full pixel) : SV_Target
{
    uint2 quarter = uint2(pixel.uv * 2);
    return float4(samples.GetSamplePosition(quarter.x + quarter.y * 2) + 0.5, 0, 1);
}

// fxc: ps_5_0 dimensions
float4 dimensions(Full pixel) : SV_Target
{
    uint width, height, levels;
    plane.GetDimensions(argument.x, width, height, levels);
    return float4(width, height, levels, 255) / 255;
}

// fxc: ps_5_0 array_dimensions
float4 array_dimensions(Full pixel) : SV_Target
{
    uint width, height, slices, levels;
    planes.GetDimensions(1, width, height, slices, levels);
    return float4(width, height, slices, levels) / 255;
}

// fxc: ps_5_0 sample_dimensions
float4 sample_dimensions(Full pixel) : SV_Target
{
    uint width, height, count;
    samples.GetDimensions(width, height, count);
    return float4(width, height, count, 255) / 255;
}

// fxc: ps_5_0 level_of_detail
float4 level_of_detail(Full pixel) : SV_Target
{
    float clamped = plane.CalculateLevelOfDetail(first, place(pixel));
    float raw = plane.CalculateLevelOfDetailUnclamped(first, place(pixel));
    return float4(clamped, raw, 0, 8) / 8;
}

// Channels in another order.
// fxc: ps_5_0 swizzle
float4 swizzle(Full pixel) : SV_Target
{
    return plane.Sample(first, place(pixel)).wzxy;
}
