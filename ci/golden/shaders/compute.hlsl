// Compute shaders: threads, groups, shared memory, atomics, every kind of view.

RWStructuredBuffer<uint> output : register(u0);

// fxc: cs_5_0 thread_numbers
[numthreads(4, 2, 2)]
void thread_numbers(uint3 group : SV_GroupID, uint3 thread : SV_GroupThreadID, uint index : SV_GroupIndex, uint3 all : SV_DispatchThreadID)
{
    uint place = (group.x + group.y * 2 + group.z * 4) * 16 + index;
    output[place] = all.x + all.y * 100 + all.z * 10000 + (thread.x + thread.y * 10 + thread.z * 100) * 1000000;
}

groupshared uint shared_numbers[256];

// The sum of all earlier threads' numbers.
// fxc: cs_5_0 prefix_sum
[numthreads(256, 1, 1)]
void prefix_sum(uint i : SV_GroupIndex, uint group : SV_GroupID)
{
    shared_numbers[i] = i * 3 + group;
    GroupMemoryBarrierWithGroupSync();
    for (uint step = 1; step < 256; step *= 2)
    {
        uint sum = shared_numbers[i] + (i >= step ? shared_numbers[i - step] : 0);
        GroupMemoryBarrierWithGroupSync();
        shared_numbers[i] = sum;
        GroupMemoryBarrierWithGroupSync();
    }
    output[group * 256 + i] = shared_numbers[i];
}

groupshared uint counts[8];

// fxc: cs_5_0 shared_atomics
[numthreads(64, 1, 1)]
void shared_atomics(uint i : SV_GroupIndex)
{
    if (i < 8)
        counts[i] = i == 2 ? 0xffffffff : 0;
    GroupMemoryBarrierWithGroupSync();
    uint before;
    InterlockedAdd(counts[0], i);
    InterlockedMax(counts[1], i * 7 % 64);
    InterlockedMin(counts[2], i + 5);
    InterlockedOr(counts[3], 1u << (i % 32));
    InterlockedXor(counts[4], i);
    InterlockedExchange(counts[5], 9, before);
    InterlockedCompareExchange(counts[6], 0, 77, before);
    InterlockedAdd(counts[7], i % 2, before);
    GroupMemoryBarrierWithGroupSync();
    if (i < 8)
        output[i] = counts[i];
}

struct Wide
{
    float3 first;
    uint2 second;
    int third;
};

groupshared Wide wide[32];

// fxc: cs_5_0 shared_structures
[numthreads(32, 1, 1)]
void shared_structures(uint i : SV_GroupIndex)
{
    Wide mine = { float3(i, i + 0.5, -(float)i), uint2(i * i, ~i), -(int)i };
    wide[i] = mine;
    GroupMemoryBarrierWithGroupSync();
    Wide other = wide[31 - i];
    output[i * 6 + 0] = asuint(other.first.x);
    output[i * 6 + 1] = asuint(other.first.y);
    output[i * 6 + 2] = asuint(other.first.z);
    output[i * 6 + 3] = other.second.x;
    output[i * 6 + 4] = other.second.y;
    output[i * 6 + 5] = (uint)other.third;
}

// 256 threads of four groups count together in memory.
// fxc: cs_5_0 buffer_atomics
[numthreads(64, 1, 1)]
void buffer_atomics(uint i : SV_DispatchThreadID)
{
    uint before;
    InterlockedAdd(output[0], 3);
    InterlockedMax(output[1], i);
    InterlockedMin(output[2], i + 5);
    InterlockedOr(output[3], 1u << (i % 32));
    InterlockedAnd(output[4], ~(1u << (i % 16)));
    InterlockedXor(output[5], i);
    InterlockedExchange(output[6], 42, before);
    InterlockedCompareExchange(output[7], 100, 200, before);
    InterlockedCompareStore(output[8], 100, 300);
    // Each number from 0 to 255 is given to one thread.
    InterlockedAdd(output[9], 1, before);
    InterlockedAdd(output[10], before);
}

RWBuffer<int> typed_signed : register(u1);

// fxc: cs_5_0 signed_atomics
[numthreads(64, 1, 1)]
void signed_atomics(uint i : SV_GroupIndex)
{
    InterlockedMax(typed_signed[0], (int)i - 100);
    InterlockedMin(typed_signed[1], 20 - (int)i);
    InterlockedAdd(typed_signed[2], -(int)i);
}

RWTexture2D<uint> counted : register(u1);

// fxc: cs_5_0 texture_atomics
[numthreads(8, 8, 1)]
void texture_atomics(uint2 place : SV_DispatchThreadID)
{
    uint before;
    InterlockedAdd(counted[place / 4], place.x + 1, before);
    InterlockedMax(counted[uint2(7, 7)], place.x * 10 + place.y);
}

AppendStructuredBuffer<uint> appended : register(u1);
ConsumeStructuredBuffer<uint> consumed : register(u2);

// fxc: cs_5_0 append
[numthreads(64, 1, 1)]
void append(uint i : SV_GroupIndex)
{
    if (i % 3 == 0)
        appended.Append(i);
}

// fxc: cs_5_0 consume
[numthreads(16, 1, 1)]
void consume(uint i : SV_GroupIndex)
{
    uint number = consumed.Consume();
    InterlockedAdd(output[0], number);
    appended.Append(number * 2);
}

RWStructuredBuffer<uint> counting : register(u1);

// fxc: cs_5_0 count_up
[numthreads(32, 1, 1)]
void count_up()
{
    InterlockedAdd(output[0], counting.IncrementCounter());
}

// fxc: cs_5_0 count_down
[numthreads(4, 1, 1)]
void count_down()
{
    InterlockedAdd(output[0], counting.DecrementCounter());
}

ByteAddressBuffer bytes_in : register(t0);
RWByteAddressBuffer bytes_out : register(u1);

// fxc: cs_5_0 raw_buffers
[numthreads(8, 1, 1)]
void raw_buffers(uint i : SV_GroupIndex)
{
    uint4 four = bytes_in.Load4(i * 16);
    uint3 three = bytes_in.Load3(i * 16 + 4);
    uint2 two = bytes_in.Load2(i * 16 + 8);
    bytes_out.Store(i * 40, four.x + bytes_in.Load(i * 16 + 12));
    bytes_out.Store2(i * 40 + 4, two.yx);
    bytes_out.Store3(i * 40 + 12, three.zxy);
    bytes_out.Store4(i * 40 + 24, four.wzyx);
}

struct Record
{
    uint a;
    float3 b;
    uint2 c;
};

StructuredBuffer<Record> records_in : register(t0);
RWStructuredBuffer<Record> records_out : register(u1);

// fxc: cs_5_0 structured_buffers
[numthreads(16, 1, 1)]
void structured_buffers(uint i : SV_GroupIndex)
{
    Record record = records_in[15 - i];
    record.b = record.b.zxy * 2;
    record.c.y += record.a;
    records_out[i] = record;
}

Buffer<float4> typed_in : register(t0);
RWBuffer<float4> typed_out : register(u1);

// fxc: cs_5_0 typed_buffers
[numthreads(16, 1, 1)]
void typed_buffers(uint i : SV_GroupIndex)
{
    typed_out[i] = typed_in[15 - i].bgra;
}

RWTexture1D<float4> row : register(u1);
RWTexture1DArray<float4> rows : register(u1);
RWTexture2D<float4> plane : register(u1);
RWTexture2DArray<float4> planes : register(u1);
RWTexture3D<float4> volume : register(u1);

// fxc: cs_5_0 write_row
[numthreads(64, 1, 1)]
void write_row(uint i : SV_DispatchThreadID)
{
    row[i] = float4(i / 64.0, 1 - i / 64.0, 0, 1);
}

// fxc: cs_5_0 write_rows
[numthreads(64, 1, 1)]
void write_rows(uint2 place : SV_DispatchThreadID)
{
    rows[place] = float4(place.x / 64.0, place.y / 4.0, 0, 1);
}

// fxc: cs_5_0 write_plane
[numthreads(8, 8, 1)]
void write_plane(uint2 place : SV_DispatchThreadID)
{
    plane[place] = float4(place / 64.0, 0.5, 1);
}

// fxc: cs_5_0 write_planes
[numthreads(8, 8, 1)]
void write_planes(uint3 place : SV_DispatchThreadID)
{
    planes[place] = float4(place.xy / 16.0, place.z / 4.0, 1);
}

// fxc: cs_5_0 write_volume
[numthreads(4, 4, 4)]
void write_volume(uint3 place : SV_DispatchThreadID)
{
    volume[place] = float4(place / 16.0, 1);
}

RWTexture2D<float> single : register(u1);

// A texture that is read and written at once: only formats of one 32-bit channel can be.
// fxc: cs_5_0 read_and_write
[numthreads(8, 8, 1)]
void read_and_write(uint2 place : SV_DispatchThreadID)
{
    single[place] = single[place] * 2 + place.x;
}

StructuredBuffer<uint> numbers_in : register(t0);

// Reads beyond a buffer are zero, writes beyond it are lost.
// fxc: cs_5_0 beyond
[numthreads(64, 1, 1)]
void beyond(uint i : SV_GroupIndex)
{
    uint number = numbers_in[i * 3] + 1;
    output[i * 2] = number;
}

// fxc: cs_5_0 sizes
[numthreads(1, 1, 1)]
void sizes()
{
    uint count, stride, width, height;
    numbers_in.GetDimensions(count, stride);
    output[0] = count;
    output[1] = stride;
    plane.GetDimensions(width, height);
    output[2] = width;
    output[3] = height;
    output.GetDimensions(count, stride);
    output[4] = count;
}

Texture2D<float4> picture : register(t0);
SamplerState sampling : register(s0);

// fxc: cs_5_0 sampled
[numthreads(8, 8, 1)]
void sampled(uint2 place : SV_DispatchThreadID)
{
    plane[place] = picture.SampleLevel(sampling, (place + 0.5) / 64, 0);
}

cbuffer Constants : register(b0)
{
    uint4 factors;
};

// fxc: cs_5_0 scaled
[numthreads(16, 1, 1)]
void scaled(uint i : SV_DispatchThreadID)
{
    output[i] = i * factors.x + factors.y;
}

RWStructuredBuffer<uint> eight[7] : register(u1);

// fxc: cs_5_0 eight_views
[numthreads(4, 1, 1)]
void eight_views(uint i : SV_GroupIndex)
{
    output[i] = 100 + i;
    eight[0][i] = 200 + i;
    eight[1][i] = 300 + i;
    eight[2][i] = 400 + i;
    eight[3][i] = 500 + i;
    eight[4][i] = 600 + i;
    eight[5][i] = 700 + i;
    eight[6][i] = 800 + i;
}
