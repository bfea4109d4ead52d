/** Keeps one value in the browser, so that a reload loses nothing. */

const DATABASE = "arranger-studio";
const STORE = "work";

export async function keep(key: string, value: unknown): Promise<void> {
  const store = await opened("readwrite");
  await done(store.put(value, key));
}

export async function kept<Value>(key: string): Promise<Value | undefined> {
  const store = await opened("readonly");
  return (await done(store.get(key))) as Value | undefined;
}

async function opened(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await done(request);
  const transaction = database.transaction(STORE, mode);
  transaction.oncomplete = transaction.onabort = () => database.close();
  return transaction.objectStore(STORE);
}

function done<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
