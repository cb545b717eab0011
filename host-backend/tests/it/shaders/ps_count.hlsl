// fxc: ps_5_0 main
// Counts pixels, and writes to each its column and row; there are no render targets.
RWByteAddressBuffer counts : register(u2);
RWTexture2D<uint> places : register(u3);
void main(float4 position : SV_Position)
{
    uint before;
    counts.InterlockedAdd(4, 1, before);
    places[uint2(position.xy)] = (uint)position.x | (uint)position.y << 16;
}
