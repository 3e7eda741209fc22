/**
 * Choosing photos from the disk.
 *
 * @module
 */
import { useRef } from 'preact/hooks';
import { openPhotos } from '../work/open.ts';
import { Icon } from './icons.tsx';

/** A button that opens the system's chooser for photos. */
export function PickPhoto({ label, className }: { readonly label: string; readonly className: string }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class={className} onClick={() => input.current?.click()}>
        <Icon name="image" />
        <span>{label}</span>
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])].map((file) => ({ file, name: file.name }));
          // So that choosing the same file again is noticed.
          event.currentTarget.value = '';
          if (files.length > 0) void openPhotos(files);
        }}
      />
    </>
  );
}
