// Hull and domain shaders: each domain, partitioning and output.

struct Control
{
    float4 position : POSITION;
    float4 colour : COLOR;
};

// fxc: vs_5_0 control
Control control(Control vertex)
{
    return vertex;
}

cbuffer Constants : register(b0)
{
    // Factors of the edges, and of the inside.
    float4 edges;
    float4 inside;
};

struct Triangle
{
    float edges[3] : SV_TessFactor;
    float inside : SV_InsideTessFactor;
};

Triangle triangle_factors()
{
    Triangle factors = { { edges.x, edges.y, edges.z }, inside.x };
    return factors;
}

struct Quad
{
    float edges[4] : SV_TessFactor;
    float inside[2] : SV_InsideTessFactor;
};

Quad quad_factors()
{
    Quad factors = { { edges.x, edges.y, edges.z, edges.w }, { inside.x, inside.y } };
    return factors;
}

struct Lines
{
    float edges[2] : SV_TessFactor;
};

Lines line_factors()
{
    Lines factors = { { edges.x, edges.y } };
    return factors;
}

#define HULL(name, kind, partition, topology, points, factors) \
    [domain(kind)] [partitioning(partition)] [outputtopology(topology)] [outputcontrolpoints(points)] \
    [patchconstantfunc(factors)] \
    Control name(InputPatch<Control, points> patch, uint id : SV_OutputControlPointID) \
    { \
        return patch[id]; \
    }

// fxc: hs_5_0 triangle_integer
HULL(triangle_integer, "tri", "integer", "triangle_cw", 3, "triangle_factors")
// fxc: hs_5_0 triangle_power
HULL(triangle_power, "tri", "pow2", "triangle_cw", 3, "triangle_factors")
// fxc: hs_5_0 triangle_odd
HULL(triangle_odd, "tri", "fractional_odd", "triangle_cw", 3, "triangle_factors")
// fxc: hs_5_0 triangle_even
HULL(triangle_even, "tri", "fractional_even", "triangle_cw", 3, "triangle_factors")
// fxc: hs_5_0 triangle_turned
HULL(triangle_turned, "tri", "integer", "triangle_ccw", 3, "triangle_factors")
// fxc: hs_5_0 triangle_points
HULL(triangle_points, "tri", "integer", "point", 3, "triangle_factors")
// fxc: hs_5_0 quad_integer
HULL(quad_integer, "quad", "integer", "triangle_cw", 4, "quad_factors")
// fxc: hs_5_0 quad_odd
HULL(quad_odd, "quad", "fractional_odd", "triangle_cw", 4, "quad_factors")
// fxc: hs_5_0 quad_even
HULL(quad_even, "quad", "fractional_even", "triangle_cw", 4, "quad_factors")
// fxc: hs_5_0 quad_points
HULL(quad_points, "quad", "integer", "point", 4, "quad_factors")
// fxc: hs_5_0 lines
HULL(lines, "isoline", "integer", "line", 4, "line_factors")
// fxc: hs_5_0 line_points
HULL(line_points, "isoline", "integer", "point", 4, "line_factors")

struct Coloured
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

// fxc: ds_5_0 of_triangle
[domain("tri")]
Coloured of_triangle(Triangle factors, float3 place : SV_DomainLocation, const OutputPatch<Control, 3> patch)
{
    Coloured vertex;
    vertex.position = patch[0].position * place.x + patch[1].position * place.y + patch[2].position * place.z;
    vertex.colour = float4(patch[0].colour.rgb * place.x + patch[1].colour.rgb * place.y + patch[2].colour.rgb * place.z, 1);
    return vertex;
}

float4 bilinear(float2 place, float4 a, float4 b, float4 c, float4 d)
{
    return lerp(lerp(a, b, place.x), lerp(c, d, place.x), place.y);
}

// fxc: ds_5_0 of_quad
[domain("quad")]
Coloured of_quad(Quad factors, float2 place : SV_DomainLocation, const OutputPatch<Control, 4> patch)
{
    Coloured vertex;
    vertex.position = bilinear(place, patch[0].position, patch[1].position, patch[2].position, patch[3].position);
    vertex.colour = bilinear(place, patch[0].colour, patch[1].colour, patch[2].colour, patch[3].colour);
    return vertex;
}

// fxc: ds_5_0 of_lines
[domain("isoline")]
Coloured of_lines(Lines factors, float2 place : SV_DomainLocation, const OutputPatch<Control, 4> patch)
{
    Coloured vertex;
    vertex.position = bilinear(place, patch[0].position, patch[1].position, patch[2].position, patch[3].position);
    vertex.colour = bilinear(place, patch[0].colour, patch[1].colour, patch[2].colour, patch[3].colour);
    return vertex;
}

struct Described
{
    float edges[4] : SV_TessFactor;
    float inside[2] : SV_InsideTessFactor;
    float4 colour : COLOR;
    float2 shift : SHIFT;
};

// Each patch's own values, from its number and from all of its control points.
Described described_factors(InputPatch<Control, 4> patch, uint id : SV_PrimitiveID)
{
    Described factors;
    factors.edges[0] = factors.edges[1] = factors.edges[2] = factors.edges[3] = id + 1;
    factors.inside[0] = factors.inside[1] = id + 1;
    factors.colour = (patch[0].colour + patch[1].colour + patch[2].colour + patch[3].colour) / 4;
    factors.shift = float2(id / 8.0, -(id / 16.0));
    return factors;
}

// fxc: hs_5_0 described
[domain("quad")] [partitioning("integer")] [outputtopology("triangle_cw")] [outputcontrolpoints(4)]
[patchconstantfunc("described_factors")]
Control described(InputPatch<Control, 4> patch, uint id : SV_OutputControlPointID)
{
    return patch[id];
}

// fxc: ds_5_0 of_described
[domain("quad")]
Coloured of_described(Described factors, float2 place : SV_DomainLocation, const OutputPatch<Control, 4> patch, uint id : SV_PrimitiveID)
{
    Coloured vertex;
    vertex.position = bilinear(place, patch[0].position, patch[1].position, patch[2].position, patch[3].position);
    vertex.position.xy += factors.shift;
    vertex.colour = float4(factors.colour.rg, id / 4.0, 1);
    return vertex;
}

// One control point in, four out.
struct Corner
{
    float4 position : POSITION;
};

Quad one_factors(OutputPatch<Corner, 4> patch)
{
    Quad factors;
    factors.edges[0] = factors.edges[1] = factors.edges[2] = factors.edges[3] = patch[3].position.x > 0.9 ? 3 : 0;
    factors.inside[0] = factors.inside[1] = 2;
    return factors;
}

// fxc: hs_5_0 grown
[domain("quad")] [partitioning("integer")] [outputtopology("triangle_cw")] [outputcontrolpoints(4)]
[patchconstantfunc("one_factors")]
Corner grown(InputPatch<Control, 1> patch, uint id : SV_OutputControlPointID)
{
    Corner corner = { patch[0].position + float4(id % 2, -(float)(id / 2), 0, 0) };
    return corner;
}

// fxc: ds_5_0 of_grown
[domain("quad")]
Coloured of_grown(Quad factors, float2 place : SV_DomainLocation, const OutputPatch<Corner, 4> patch)
{
    Coloured vertex;
    vertex.position = bilinear(place, patch[0].position, patch[1].position, patch[2].position, patch[3].position);
    vertex.colour = float4(place, 0, 1);
    return vertex;
}

// All of 32 control points count.
Lines sum_factors(InputPatch<Control, 32> patch)
{
    Lines factors = { { 1, 16 } };
    return factors;
}

// fxc: hs_5_0 long_patch
[domain("isoline")] [partitioning("integer")] [outputtopology("point")] [outputcontrolpoints(32)]
[patchconstantfunc("sum_factors")]
Control long_patch(InputPatch<Control, 32> patch, uint id : SV_OutputControlPointID)
{
    return patch[31 - id];
}

// fxc: ds_5_0 of_long_patch
[domain("isoline")]
Coloured of_long_patch(Lines factors, float2 place : SV_DomainLocation, const OutputPatch<Control, 32> patch)
{
    Coloured vertex;
    uint n = (uint)(place.x * 16 + 0.5);
    vertex.position = patch[n].position;
    vertex.colour = patch[n].colour;
    return vertex;
}

// Triangles that tessellation made, each halved towards its middle.
// fxc: gs_5_0 shrunk
[maxvertexcount(3)]
void shrunk(triangle Coloured input[3], inout TriangleStream<Coloured> output)
{
    float4 middle = (input[0].position + input[1].position + input[2].position) / 3;
    for (uint n = 0; n < 3; n++)
    {
        Coloured vertex = { lerp(middle, input[n].position, 0.5), float4(1, 1, 1, 1) };
        output.Append(vertex);
    }
}
