/**
 * The whole page takes photos, and networks, that are dropped on it or pasted.
 *
 * @module
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useNetwork } from '../work/network.ts';
import { openPhotos } from '../work/open.ts';

const isNetwork = ({ name }: File): boolean => name.toLowerCase().endsWith('.onnx');

export function DropTarget({ children }: { readonly children: ComponentChildren }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const open = (data: DataTransfer | null) => {
      const all = [...(data?.files ?? [])];
      const other = all.find(isNetwork);
      if (other !== undefined) void useNetwork(other);
      const files = all
        .filter((file) => !isNetwork(file))
        .map((file) => ({ file, name: file.name || 'Pasted photo.png' }));
      if (files.length > 0) void openPhotos(files);
    };
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      // Leaving the window, not going from one element to another.
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      open(event.dataTransfer);
    };
    const paste = (event: ClipboardEvent) => open(event.clipboardData);
    addEventListener('dragover', drag);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      removeEventListener('dragover', drag);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  }, []);
  return (
    <div class="app">
      {children}
      {over && (
        <div class="drop-veil" aria-hidden="true">
          <p>Drop photos anywhere</p>
        </div>
      )}
    </div>
  );
}
