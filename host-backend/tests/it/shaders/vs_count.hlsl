// fxc: vs_5_0 main
// Counts the vertices of draws in a view that all stages share.
RWByteAddressBuffer counts : register(u5);
float4 main(float4 position : POSITION) : SV_Position
{
    uint before;
    counts.InterlockedAdd(0, 1, before);
    return position;
}
