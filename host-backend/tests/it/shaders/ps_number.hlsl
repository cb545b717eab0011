// fxc: ps_5_0 main
// What the second stream of gs_two_streams writes, and the primitive's number.
float4 main(nointerpolation uint2 number : NUMBER, uint primitive : SV_PrimitiveID) : SV_Target
{
    return float4(number / 128.0, primitive / 4.0, 1);
}
