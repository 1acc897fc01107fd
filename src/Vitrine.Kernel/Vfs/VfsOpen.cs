using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
namespace Vitrine.Kernel.Vfs;
internal static class VfsOpen { public static KTask<Result<OpenFile>> OpenExecAsync(Task current, Fd directory, ReadOnlyMemory<byte> path, uint atFlags) => throw new NotSupportedException(); }
