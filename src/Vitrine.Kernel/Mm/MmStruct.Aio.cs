using Vitrine.Kernel.Ipc.Aio;

namespace Vitrine.Kernel.Mm;

/// <content>Contexts of asynchronous I/O: they belong to the address space and go with it.</content>
internal sealed partial class MmStruct
{
    private List<AioContext>? _aioContexts;

    internal void AddAioContext(AioContext context) => (_aioContexts ??= []).Add(context);

    internal AioContext? FindAioContext(VirtAddr id)
    {
        if (_aioContexts is null)
            return null;
        foreach (AioContext context in _aioContexts)
        {
            if (context.Id == id)
                return context;
        }

        return null;
    }

    internal void RemoveAioContext(AioContext context)
    {
        _aioContexts!.Remove(context);
        context.Destroy();
    }

    private void DestroyAioContexts()
    {
        if (_aioContexts is null)
            return;
        foreach (AioContext context in _aioContexts)
            context.Destroy();
        _aioContexts = null;
    }
}
