/**
 * @module
 */
import { useRef } from 'preact/hooks';
import { openPhoto } from '../work.ts';
import { Icon } from './icons.tsx';

/** A button that opens the system's chooser for a photo. */
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
        hidden
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          // So that choosing the same file again is noticed.
          event.currentTarget.value = '';
          if (file !== undefined) void openPhoto(file, file.name);
        }}
      />
    </>
  );
}
