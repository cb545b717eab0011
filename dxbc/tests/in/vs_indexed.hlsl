// fxc: vs_5_0 main
struct V { float4 position : SV_Position; float4 a[2] : A; float4 c : C; };
V main(float4 position : POSITION, float4 a : A, float4 b : B, float4 c : C) { V v; v.position = position; v.a[0] = a; v.a[1] = b; v.c = c; return v; }
