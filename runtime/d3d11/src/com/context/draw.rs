//! Draws, dispatches, clears and predication.

use pvgpu_umd_ddi as ddi;
use pvgpu_umd_ddi::D3D10_DDI_RECT;

use super::super::guard::Pipeline;
use super::super::object::{Com, Keep};
use super::super::query::Query;
use super::super::record::Sink;
use super::super::resource::Resource;
use super::super::view::View;
use crate::desc::resource::misc;
use crate::desc::view::Class;

impl<D: Sink> Pipeline<D> {
    /// The handle and offset of an indirect call's arguments, unless the buffer cannot hold them.
    pub fn indirect(
        &mut self,
        buffer: Option<&Com<Resource>>,
        offset: u32,
        bytes: u32,
    ) -> Option<(*mut core::ffi::c_void, u32)> {
        let buffer = buffer?;
        let size = buffer.inner.subresource_size(0)?.TexelWidth;
        let fits = offset.checked_add(bytes).is_some_and(|end| end <= size);
        let legal = buffer.inner.is_buffer() && buffer.inner.flags().misc & misc::DRAWINDIRECT_ARGS != 0;
        (legal && fits && offset.is_multiple_of(4)).then(|| {
            self.graves.touch(buffer);
            (buffer.handle(), offset)
        })
    }

    /// `SetPredication`.
    pub fn set_predication(&mut self, predicate: Option<&Com<Query>>, value: i32) {
        let Self { driver, state, graves, .. } = self;
        let moved = state.predicate_value != value;
        state.predicate_value = value;
        if state.predicate.set(predicate, graves) || moved {
            driver.set_predication(state.predicate.handle(), value);
        }
    }

    /// `ClearRenderTargetView`.
    pub fn clear_render_target(&mut self, view: Option<&Com<View>>, color: &[f32; 4]) {
        if let Some(view) = view {
            self.graves.touch(view);
            self.driver.clear_render_target_view(view.handle(), color);
        }
    }

    /// `ClearDepthStencilView`.
    pub fn clear_depth_stencil(&mut self, view: Option<&Com<View>>, flags: u32, depth: f32, stencil: u8) {
        let flags = flags & ddi::D3D10_DDI_CLEAR_FLAG_MASK;
        if let Some(view) = view.filter(|_| flags != 0) {
            self.graves.touch(view);
            self.driver.clear_depth_stencil_view(view.handle(), flags, depth, stencil);
        }
    }

    /// `ClearUnorderedAccessViewUint`.
    pub fn clear_uint(&mut self, view: &Com<View>, values: &[u32; 4]) {
        self.graves.touch(view);
        self.driver.clear_unordered_access_view_uint(view.handle(), values);
    }

    /// `ClearUnorderedAccessViewFloat`.
    pub fn clear_float(&mut self, view: &Com<View>, values: &[f32; 4]) {
        self.graves.touch(view);
        self.driver.clear_unordered_access_view_float(view.handle(), values);
    }

    /// `ClearView`: rectangles of a render target, an unordered-access view, or the depth of a depth view.
    pub fn clear_view(&mut self, view: Option<&Com<View>>, color: &[f32; 4], rects: &[D3D10_DDI_RECT]) {
        let Some(view) = view else { return };
        let kind = match view.inner.class {
            Class::RenderTarget => ddi::D3D10DDI_HT_RENDERTARGETVIEW,
            Class::UnorderedAccess => ddi::D3D11DDI_HT_UNORDEREDACCESSVIEW,
            // Without stencil only.
            Class::DepthStencil => ddi::D3D10DDI_HT_DEPTHSTENCILVIEW,
            Class::ShaderResource => return,
        };
        if !view.inner.view.has_clear_color() {
            return;
        }
        self.graves.touch(view);
        self.driver.clear_view(kind, view.handle(), color, rects);
    }

    /// `DiscardView` and `DiscardView1`.
    pub fn discard_view(&mut self, view: Option<&Com<View>>, rects: &[D3D10_DDI_RECT]) {
        let Some(view) = view else { return };
        let kind = match view.inner.class {
            Class::RenderTarget => ddi::D3D10DDI_HT_RENDERTARGETVIEW,
            Class::UnorderedAccess => ddi::D3D11DDI_HT_UNORDEREDACCESSVIEW,
            Class::DepthStencil => ddi::D3D10DDI_HT_DEPTHSTENCILVIEW,
            Class::ShaderResource => return,
        };
        self.graves.touch(view);
        self.driver.discard(kind, view.handle(), rects);
    }

    /// `DiscardResource`.
    pub fn discard_resource(&mut self, resource: Option<&Com<Resource>>) {
        if let Some(resource) = resource {
            self.graves.touch(resource);
            self.driver.discard(ddi::D3D10DDI_HT_RESOURCE, resource.handle(), &[]);
        }
    }
}
