// fxc: gs_5_0 main
// Stream n gets (n + 1) vertices for odd numbers, in turns; the second gets one for even numbers.
struct V { uint number : NUMBER; };
struct A { uint2 a : A; };
struct B { float b : B; uint c : C; };
struct D { uint4 d : D; };
struct E { float3 e : E; float4 f : F; };
[maxvertexcount(10)] void main(point V input[1], inout PointStream<A> first, inout PointStream<B> second, inout PointStream<D> third, inout PointStream<E> fourth) {
    uint n = input[0].number;
    if (n & 1) {
        for (uint i = 0; i < 4; i++) {
            D d = { n, i, n * i, n + i };
            E e = { n, i, 0.5, n + 0.25, i + 0.25, 2, 3 };
            B b = { n + 0.5, i };
            fourth.Append(e);
            if (i < 3) { third.Append(d); third.RestartStrip(); }
            if (i < 2) second.Append(b);
            if (i < 1) { A a = { n, ~n }; first.Append(a); first.RestartStrip(); }
        }
    } else {
        B b = { -1, n };
        second.Append(b);
    }
}
