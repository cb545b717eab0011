// Geometry shaders: each kind of input and output.

struct Coloured
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

Coloured moved(Coloured vertex, float x, float y)
{
    vertex.position.xy += float2(x, -y) / 32;
    return vertex;
}

// A square of 8×8 pixels for each point.
// fxc: gs_5_0 point_to_strip
[maxvertexcount(4)]
void point_to_strip(point Coloured input[1], inout TriangleStream<Coloured> output)
{
    output.Append(moved(input[0], -4, -4));
    output.Append(moved(input[0], 4, -4));
    output.Append(moved(input[0], -4, 4));
    output.Append(moved(input[0], 4, 4));
}

// Two strips of one triangle each.
// fxc: gs_5_0 two_strips
[maxvertexcount(6)]
void two_strips(point Coloured input[1], inout TriangleStream<Coloured> output)
{
    output.Append(moved(input[0], -8, -8));
    output.Append(moved(input[0], 0, -8));
    output.Append(moved(input[0], -8, 8));
    output.RestartStrip();
    output.Append(moved(input[0], 2, -8));
    output.Append(moved(input[0], 10, -8));
    output.Append(moved(input[0], 10, 8));
}

// fxc: gs_5_0 line_to_line
[maxvertexcount(2)]
void line_to_line(line Coloured input[2], inout LineStream<Coloured> output)
{
    output.Append(moved(input[0], 0, 10));
    output.Append(moved(input[1], 0, 10));
}

// fxc: gs_5_0 line_to_triangles
[maxvertexcount(4)]
void line_to_triangles(line Coloured input[2], inout TriangleStream<Coloured> output)
{
    output.Append(moved(input[0], 0, -3));
    output.Append(moved(input[1], 0, -3));
    output.Append(moved(input[0], 0, 3));
    output.Append(moved(input[1], 0, 3));
}

// fxc: gs_5_0 triangle_to_triangle
[maxvertexcount(3)]
void triangle_to_triangle(triangle Coloured input[3], inout TriangleStream<Coloured> output)
{
    float4 middle = (input[0].position + input[1].position + input[2].position) / 3;
    for (uint n = 0; n < 3; n++)
    {
        Coloured vertex = input[n];
        vertex.position = lerp(middle, vertex.position, 0.5);
        output.Append(vertex);
    }
}

// fxc: gs_5_0 triangle_to_points
[maxvertexcount(3)]
void triangle_to_points(triangle Coloured input[3], inout PointStream<Coloured> output)
{
    for (uint n = 0; n < 3; n++)
    {
        Coloured vertex = input[n];
        vertex.colour = float4(n / 4.0, 0, 1, 1);
        output.Append(vertex);
    }
}

// Each vertex as a point whose colour tells its place in the input.
// fxc: gs_5_0 line_adjacency
[maxvertexcount(4)]
void line_adjacency(lineadj Coloured input[4], inout PointStream<Coloured> output, uint id : SV_PrimitiveID)
{
    for (uint n = 0; n < 4; n++)
    {
        Coloured vertex = moved(input[n], 0, id * 4.0);
        vertex.colour = float4(n / 8.0, id / 8.0, 1, 1);
        output.Append(vertex);
    }
}

// fxc: gs_5_0 triangle_adjacency
[maxvertexcount(6)]
void triangle_adjacency(triangleadj Coloured input[6], inout PointStream<Coloured> output, uint id : SV_PrimitiveID)
{
    for (uint n = 0; n < 6; n++)
    {
        Coloured vertex = moved(input[n], 0, id * 4.0);
        vertex.colour = float4(n / 8.0, id / 8.0, 1, 1);
        output.Append(vertex);
    }
}

// fxc: gs_5_0 instances
[instance(5)]
[maxvertexcount(1)]
void instances(point Coloured input[1], inout PointStream<Coloured> output, uint id : SV_GSInstanceID)
{
    Coloured vertex = moved(input[0], id * 3.0, 0);
    vertex.colour = float4(id / 8.0, 0, 1, 1);
    output.Append(vertex);
}

// fxc: gs_5_0 primitive_number
[maxvertexcount(1)]
void primitive_number(point Coloured input[1], inout PointStream<Coloured> output, uint id : SV_PrimitiveID)
{
    Coloured vertex = input[0];
    vertex.colour = float4(id / 8.0, 0, 1, 1);
    output.Append(vertex);
}

// fxc: gs_5_0 nothing
[maxvertexcount(3)]
void nothing(triangle Coloured input[3], inout TriangleStream<Coloured> output)
{
    if (input[0].colour.x > 2)
        output.Append(input[0]);
}

// Nearly as many vertices as 1024 numbers allow; each has a point size in Vulkan besides.
// fxc: gs_5_0 many
[maxvertexcount(112)]
void many(point Coloured input[1], inout PointStream<Coloured> output)
{
    for (uint n = 0; n < 112; n++)
        output.Append(moved(input[0], n % 16, n / 16));
}

struct Sliced
{
    float4 position : SV_Position;
    float4 colour : COLOR;
    uint slice : SV_RenderTargetArrayIndex;
};

// The same triangle to four slices, in four colours.
// fxc: gs_5_0 slices
[maxvertexcount(12)]
void slices(triangle Coloured input[3], inout TriangleStream<Sliced> output)
{
    for (uint slice = 0; slice < 4; slice++)
    {
        for (uint n = 0; n < 3; n++)
        {
            Sliced vertex = { input[n].position, float4(slice / 4.0, 1, 0, 1), slice };
            output.Append(vertex);
        }
        output.RestartStrip();
    }
}

struct Viewed
{
    float4 position : SV_Position;
    float4 colour : COLOR;
    uint viewport : SV_ViewportArrayIndex;
};

// fxc: gs_5_0 viewports
[maxvertexcount(12)]
void viewports(triangle Coloured input[3], inout TriangleStream<Viewed> output)
{
    for (uint viewport = 0; viewport < 4; viewport++)
    {
        for (uint n = 0; n < 3; n++)
        {
            Viewed vertex = { input[n].position, float4(viewport / 4.0, 1, 0, 1), viewport };
            output.Append(vertex);
        }
        output.RestartStrip();
    }
}

// What the geometry shader gives as the primitive's number is what the pixel shader gets.
struct Numbered
{
    float4 position : SV_Position;
    float4 colour : COLOR;
    uint number : SV_PrimitiveID;
};

// fxc: gs_5_0 numbered
[maxvertexcount(3)]
void numbered(triangle Coloured input[3], inout TriangleStream<Numbered> output, uint id : SV_PrimitiveID)
{
    for (uint n = 0; n < 3; n++)
    {
        Numbered vertex = { input[n].position, input[n].colour, id * 2 + 1 };
        output.Append(vertex);
    }
}

// fxc: ps_5_0 show_number
float4 show_number(Numbered pixel) : SV_Target
{
    return float4(pixel.number / 8.0, 0, 0, 1);
}

struct Element
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

// fxc: ps_5_0 show_slice
float4 show_slice(Sliced pixel) : SV_Target
{
    return float4(pixel.slice / 4.0, 0, 1, 1);
}
