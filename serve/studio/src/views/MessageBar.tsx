/** What went wrong, in one sentence, and what to do about it. */

import { message } from "../work/attempts";
import { IconButton } from "./Header";

export function MessageBar() {
  const told = message.value;
  return (
    <div class="message-place" role="alert">
      {told && (
        <div class="message">
          <p>
            {told.text} {told.advice}
          </p>
          {told.again && (
            <button type="button" class="button" onClick={() => { message.value = null; told.again?.(); }}>
              Try again
            </button>
          )}
          <IconButton label="Dismiss" icon="close" onClick={() => (message.value = null)} />
        </div>
      )}
    </div>
  );
}
