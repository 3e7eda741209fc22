/**
 * The whole page takes a photo that is dropped on it or pasted.
 *
 * @module
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { openPhoto } from '../work.ts';

function firstFile(items: DataTransfer | null): File | undefined {
  return [...(items?.files ?? [])][0];
}

export function DropTarget({ children }: { readonly children: ComponentChildren }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const open = (file: File | undefined) => {
      if (file !== undefined) void openPhoto(file, file.name || 'Pasted photo.png');
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
      open(firstFile(event.dataTransfer));
    };
    const paste = (event: ClipboardEvent) => open(firstFile(event.clipboardData));
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
          <p>Drop the photo anywhere</p>
        </div>
      )}
    </div>
  );
}
