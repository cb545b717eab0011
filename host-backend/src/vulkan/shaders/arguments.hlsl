// fxc: cs_5_0 groups
// fxc: cs_5_0 vertices
RWByteAddressBuffer words : register(u0);

// Thread groups of a dispatch: none at all where there are more than Direct3D allows.
[numthreads(1, 1, 1)] void groups()
{
    if (any(words.Load3(0) > 65535)) words.Store3(0, uint3(0, 0, 0));
}

// From bytes that were streamed out, bytes to skip and bytes of a vertex to the arguments of a draw.
[numthreads(1, 1, 1)] void vertices()
{
    uint3 bytes = words.Load3(0);
    uint count = bytes.x > bytes.y ? (bytes.x - bytes.y) / bytes.z : 0;
    words.Store4(0, uint4(count, 1, 0, 0));
}
