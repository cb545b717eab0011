// A window full of sokol's own drawing: spinning cubes with textures and depth, lines, blended quads, several samples per pixel.
//
// sokol_app, sokol_gfx and sokol_gl are not ours; `cargo xtask client sokol` fetches them and builds this with them. Everything
// depends on the number of frames only, so that each run looks the same.
#define COBJMACROS
#define SOKOL_IMPL
#define SOKOL_GL_IMPL
#define SOKOL_D3D11
#include "sokol_app.h"
#include "sokol_gfx.h"
#include "util/sokol_gl.h"

static sg_image checks;
static sgl_pipeline solid, blended;
static int frame;

static void init(void) {
    sg_setup(&(sg_desc){
        .d3d11_device = sapp_d3d11_get_device(),
        .d3d11_device_context = sapp_d3d11_get_device_context(),
        .d3d11_render_target_view_cb = sapp_d3d11_get_render_target_view,
        .d3d11_depth_stencil_view_cb = sapp_d3d11_get_depth_stencil_view,
    });
    sgl_setup(&(sgl_desc_t){ .sample_count = 4 });
    static uint32_t texels[8][8];
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 8; x++) {
            texels[y][x] = (x ^ y) & 1 ? 0xffffffff : 0xff303030 | (x * 0x20) << 16 | y * 0x18;
        }
    }
    checks = sg_make_image(&(sg_image_desc){
        .width = 8,
        .height = 8,
        .content.subimage[0][0] = { .ptr = texels, .size = sizeof(texels) },
    });
    solid = sgl_make_pipeline(&(sg_pipeline_desc){
        .depth_stencil = { .depth_write_enabled = true, .depth_compare_func = SG_COMPAREFUNC_LESS_EQUAL },
    });
    blended = sgl_make_pipeline(&(sg_pipeline_desc){
        .blend = { .enabled = true, .src_factor_rgb = SG_BLENDFACTOR_SRC_ALPHA, .dst_factor_rgb = SG_BLENDFACTOR_ONE_MINUS_SRC_ALPHA },
    });
}

static void cube(void) {
    sgl_begin_quads();
    for (int axis = 0; axis < 3; axis++) {
        for (int side = -1; side <= 1; side += 2) {
            sgl_c3f(axis == 0 ? 1.0f : 0.4f, axis == 1 ? 1.0f : 0.4f, side > 0 ? 1.0f : 0.3f);
            for (int corner = 0; corner < 4; corner++) {
                float u = corner == 1 || corner == 2, v = corner >= 2;
                float place[3];
                place[axis] = (float)side;
                place[(axis + 1) % 3] = u * 2 - 1;
                place[(axis + 2) % 3] = v * 2 - 1;
                sgl_v3f_t2f(place[0], place[1], place[2], u, v);
            }
        }
    }
    sgl_end();
}

static void draw(void) {
    float time = frame++ * 0.03f;
    sgl_defaults();
    sgl_load_pipeline(solid);
    sgl_enable_texture();
    sgl_texture(checks);
    sgl_matrix_mode_projection();
    sgl_perspective(sgl_rad(45), (float)sapp_width() / (float)sapp_height(), 0.1f, 100);
    sgl_matrix_mode_modelview();
    sgl_translate(0, 0, -12);
    sgl_rotate(time, 1, 0, 0);
    sgl_rotate(time * 2, 0, 1, 0);
    cube();
    for (int n = 0; n < 4; n++) {
        sgl_push_matrix();
        sgl_rotate(sgl_rad(n * 90.0f) + time, 0, 0, 1);
        sgl_translate(3, 0, 0);
        sgl_scale(0.5f, 0.5f, 0.5f);
        sgl_rotate(time * 3, 0, 1, 0);
        cube();
        sgl_pop_matrix();
    }
    sgl_disable_texture();

    sgl_defaults();
    sgl_load_pipeline(blended);
    sgl_matrix_mode_projection();
    sgl_ortho(-1, 1, -1, 1, -1, 1);
    for (int n = 0; n < 3; n++) {
        float x = n * 0.3f - 0.9f;
        sgl_begin_quads();
        sgl_c4f(n == 0, n == 1, n == 2, 0.5f);
        sgl_v2f(x, -0.9f);
        sgl_v2f(x + 0.45f, -0.9f);
        sgl_v2f(x + 0.45f, -0.5f);
        sgl_v2f(x, -0.5f);
        sgl_end();
    }
    sgl_begin_triangle_strip();
    for (int n = 0; n < 20; n++) {
        sgl_v2f_c3f(0.3f + n * 0.03f, n % 2 ? 0.6f : 0.8f, n / 20.0f, 1.0f - n / 20.0f, 0.5f);
    }
    sgl_end();
    sgl_scissor_rect(20, 20, 200, 100, true);
    sgl_begin_triangles();
    sgl_v2f_c3b(-1.0f, 1.0f, 255, 0, 0);
    sgl_v2f_c3b(0.0f, 1.0f, 0, 255, 0);
    sgl_v2f_c3b(-0.5f, 0.2f, 0, 0, 255);
    sgl_end();

    sg_pass_action action = { .colors[0] = { .action = SG_ACTION_CLEAR, .val = { 0.1f, 0.15f, 0.25f, 1 } } };
    sg_begin_default_pass(&action, sapp_width(), sapp_height());
    sgl_draw();
    sg_end_pass();
    sg_commit();
}

static void cleanup(void) {
    sgl_shutdown();
    sg_shutdown();
}

sapp_desc sokol_main(int argc, char* argv[]) {
    (void)argc;
    (void)argv;
    return (sapp_desc){
        .init_cb = init,
        .frame_cb = draw,
        .cleanup_cb = cleanup,
        .width = 640,
        .height = 480,
        .sample_count = 4,
        .window_title = "sokol",
    };
}
