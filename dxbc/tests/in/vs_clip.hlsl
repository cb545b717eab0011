// fxc: vs_5_0 main
struct V { float4 position : SV_Position; float4 clip0 : SV_ClipDistance0; float2 clip1 : SV_ClipDistance1; };
V main(float4 position : POSITION, float4 clip0 : A, float2 clip1 : B) { V v = { position, clip0, clip1 }; return v; }
