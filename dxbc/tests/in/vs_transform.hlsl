// fxc: vs_5_0 main
cbuffer frame : register(b0) { float4x4 view_projection; float4x4 world; float4 tint; };
struct In { float3 position : POSITION; float3 normal : NORMAL; float2 uv : TEXCOORD; uint bone : BONE; };
struct Out { float4 position : SV_Position; float3 normal : NORMAL; float2 uv : TEXCOORD0; float4 color : COLOR; nointerpolation uint bone : BONE; };
Out main(In i) {
    Out o;
    float4 p = mul(world, float4(i.position, 1));
    o.position = mul(view_projection, p);
    o.normal = normalize(mul((float3x3)world, i.normal));
    o.uv = i.uv * 2 - 1;
    o.color = saturate(tint * o.normal.z);
    o.bone = i.bone;
    return o;
}
