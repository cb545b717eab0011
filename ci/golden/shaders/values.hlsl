// Values that the pipeline gives to shaders and takes from them, interpolation, constants.

struct Coloured
{
    float4 position : SV_Position;
    float4 colour : COLOR;
};

// Points in a row, one for each vertex number.
// fxc: vs_5_0 vertex_number
Coloured vertex_number(uint id : SV_VertexID)
{
    Coloured vertex;
    vertex.position = float4((id * 2 + 0.5) / 32 - 1, 1 - (id + 0.5) / 32, 0, 1);
    vertex.colour = float4(id / 16.0, 0, 1, 1);
    return vertex;
}

// fxc: vs_5_0 instance_number
Coloured instance_number(uint id : SV_VertexID, uint instance : SV_InstanceID)
{
    Coloured vertex;
    vertex.position = float4((id * 2 + 1.5) / 32 - 1, 1 - (instance * 2 + 1.5) / 32, 0, 1);
    vertex.colour = float4(id / 16.0, instance / 16.0, 1, 1);
    return vertex;
}

// fxc: ps_5_0 primitive_number
float4 primitive_number(Coloured pixel, uint id : SV_PrimitiveID) : SV_Target
{
    return float4(id / 8.0, 0, 0, 1);
}

// fxc: ps_5_0 front_face
float4 front_face(Coloured pixel, bool front : SV_IsFrontFace) : SV_Target
{
    return front ? float4(0, 1, 0, 1) : float4(1, 0, 0, 1);
}

struct Full
{
    float4 position : SV_Position;
    float2 uv : TEXCOORD;
};

// fxc: ps_5_0 sample_number
float4 sample_number(Full pixel, uint id : SV_SampleIndex) : SV_Target
{
    return id / 4.0;
}

// fxc: ps_5_0 coverage_in
float4 coverage_in(Coloured pixel, uint coverage : SV_Coverage) : SV_Target
{
    return countbits(coverage) == 4 ? float4(0, 1, 0, 1) : float4(1, 0, 0, 1);
}

struct Masked
{
    float4 colour : SV_Target;
    uint coverage : SV_Coverage;
};

// fxc: ps_5_0 coverage_out
Masked coverage_out(Full pixel)
{
    Masked result = { float4(1, 1, 1, 1), pixel.uv.x < 0.5 ? 1 : 7 };
    return result;
}

struct Clipped
{
    float4 position : SV_Position;
    float4 colour : COLOR;
    float2 distances : SV_ClipDistance;
};

// fxc: vs_5_0 clip_distance
Clipped clip_distance(float4 position : POSITION, float4 colour : COLOR)
{
    Clipped vertex = { position, colour, float2(position.x + 0.5, 0.25 - position.y) };
    return vertex;
}

struct Culled
{
    float4 position : SV_Position;
    float4 colour : COLOR;
    float distance : SV_CullDistance;
};

// A primitive disappears if the distance is negative at all of its vertices.
// fxc: vs_5_0 cull_distance
Culled cull_distance(float4 position : POSITION, float4 colour : COLOR)
{
    Culled vertex = { position, colour, position.x };
    return vertex;
}

// fxc: ps_5_0 position_in
float4 position_in(Coloured pixel) : SV_Target
{
    return float4(pixel.position.xy / 64, pixel.position.z, pixel.position.w / 4);
}

struct Flat
{
    float4 position : SV_Position;
    nointerpolation float4 colour : COLOR;
};

// fxc: ps_5_0 flat_ps
float4 flat_ps(Flat pixel) : SV_Target
{
    return pixel.colour;
}

struct Straight
{
    float4 position : SV_Position;
    noperspective float4 colour : COLOR;
};

// fxc: ps_5_0 straight
float4 straight(Straight pixel) : SV_Target
{
    return pixel.colour;
}

struct AtCentroid
{
    float4 position : SV_Position;
    centroid float4 colour : COLOR;
};

// Within the triangle no colour is beyond those of its vertices.
// fxc: ps_5_0 at_centroid
float4 at_centroid(AtCentroid pixel) : SV_Target
{
    return any(pixel.colour.xy < -0.001) ? float4(1, 0, 0, 1) : float4(0, 1, 0, 1);
}

struct AtSample
{
    float4 position : SV_Position;
    sample float4 colour : COLOR;
};

// fxc: ps_5_0 at_sample
float4 at_sample(AtSample pixel) : SV_Target
{
    return frac(pixel.colour.x * 64) < 0.5 ? 1 : 0;
}

// fxc: ps_5_0 evaluated_at_sample
float4 evaluated_at_sample(Coloured pixel) : SV_Target
{
    return float4(frac(EvaluateAttributeAtSample(pixel.colour, 1).x * 64), 0, 0, 1);
}

// fxc: ps_5_0 evaluated_at_offset
float4 evaluated_at_offset(Coloured pixel) : SV_Target
{
    return float4(frac(EvaluateAttributeSnapped(pixel.colour, int2(4, -8)).xy * 64), 0, 1);
}

// fxc: ps_5_0 evaluated_at_centroid
float4 evaluated_at_centroid(Coloured pixel) : SV_Target
{
    float4 colour = EvaluateAttributeCentroid(pixel.colour);
    return any(colour.xy < -0.001) ? float4(1, 0, 0, 1) : float4(0, 1, 0, 1);
}

cbuffer First : register(b0)
{
    float4 numbers[16];
};

cbuffer Second : register(b1)
{
    float4 others[16];
};

// fxc: ps_5_0 constant_index
float4 constant_index(Full pixel) : SV_Target
{
    return numbers[(uint)pixel.position.x / 4];
}

// fxc: ps_5_0 constant_beyond
float4 constant_beyond(Full pixel) : SV_Target
{
    return numbers[(uint)pixel.position.x];
}

// fxc: ps_5_0 two_buffers
float4 two_buffers(Full pixel) : SV_Target
{
    return pixel.uv.y < 0.5 ? numbers[1] : others[2];
}

struct Packed
{
    float first;
    float3 second;
    float2 third[2];
    float fourth;
};

cbuffer Third : register(b2)
{
    Packed packed;
    row_major float2x3 rows;
    column_major float2x3 columns;
};

// Where the compiler puts members of a structure.
// fxc: ps_5_0 packed_constants
float4 packed_constants(Full pixel) : SV_Target
{
    return float4(packed.first, packed.second.z, packed.third[1].y + packed.fourth, rows[1][0] + columns[1][0]);
}

// fxc: ps_5_0 integers
float4 integers(Full pixel) : SV_Target
{
    uint2 place = uint2(pixel.position.xy);
    return float4((place.x ^ place.y) & 15, (place.x * place.y) & 15, (place.x % 5), 15) / 15;
}
