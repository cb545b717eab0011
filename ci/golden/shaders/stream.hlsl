// What goes to stream output.

struct Numbers
{
    float4 position : SV_Position;
    float4 values : VALUES;
    uint2 words : WORDS;
};

// fxc: vs_5_0 numbers
Numbers numbers(uint id : SV_VertexID)
{
    Numbers vertex;
    vertex.position = float4((id * 2 + 0.5) / 32 - 1, 1 - (id * 3 + 0.5) / 32, 0.5, 1);
    vertex.values = float4(id, id + 0.25, id + 0.5, id + 0.75);
    vertex.words = uint2(id * 1000, ~id);
    return vertex;
}

// Each vertex twice.
// fxc: gs_5_0 doubled
[maxvertexcount(2)]
void doubled(point Numbers input[1], inout PointStream<Numbers> output)
{
    output.Append(input[0]);
    input[0].values += 100;
    output.Append(input[0]);
}

// A strip, which is written as separate triangles.
// fxc: gs_5_0 strip
[maxvertexcount(4)]
void strip(point Numbers input[1], inout TriangleStream<Numbers> output)
{
    for (uint n = 0; n < 4; n++)
    {
        Numbers vertex = input[0];
        vertex.values.x = n;
        output.Append(vertex);
    }
}

struct First
{
    float4 values : FIRST;
};

struct Second
{
    float4 position : SV_Position;
    float2 values : SECOND;
};

struct Third
{
    uint words : THIRD;
};

// Different numbers of vertices to three streams.
// fxc: gs_5_0 streams
[maxvertexcount(6)]
void streams(point Numbers input[1], inout PointStream<First> first, inout PointStream<Second> second, inout PointStream<Third> third)
{
    First a = { input[0].values };
    Second b = { input[0].position, input[0].values.xy * 2 };
    Third c = { input[0].words.x };
    first.Append(a);
    second.Append(b);
    b.values += 0.125;
    second.Append(b);
    third.Append(c);
    third.Append(c);
    c.words += 7;
    third.Append(c);
}

struct Again
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

// Vertices that stream output wrote, drawn as points.
// fxc: vs_5_0 again
Again again(float4 position : POSITION, float4 values : VALUES)
{
    Again vertex = { position, float4(values.x / 16, values.y / 16, 1, 1) };
    return vertex;
}

// fxc: ps_5_0 blue
float4 blue(float4 position : SV_Position) : SV_Target
{
    return float4(0, 0, 1, 1);
}
